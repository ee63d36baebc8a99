package org.dubbofn.nacos;

import com.alibaba.nacos.core.code.ControllerMethodsCache;
import com.alibaba.nacos.sys.filter.NacosTypeExcludeFilter;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.SpringBootConfiguration;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.web.servlet.ServletComponentScan;
import org.springframework.context.annotation.ComponentScan;
import org.springframework.context.annotation.FilterType;
import org.springframework.scheduling.annotation.EnableScheduling;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

/** The naming, config and auth modules of Nacos in one Spring Boot process: what its console starts, without the web pages. */
@SpringBootConfiguration
@EnableAutoConfiguration
@EnableScheduling
@ServletComponentScan("com.alibaba.nacos")
@ComponentScan(
        basePackages = {"com.alibaba.nacos", "org.dubbofn.nacos"},
        excludeFilters = @ComponentScan.Filter(type = FilterType.CUSTOM, classes = NacosTypeExcludeFilter.class))
public class Standalone {

    public static void main(String[] args) {
        SpringApplication.run(Standalone.class, args);
        System.out.println("NACOS-READY");
    }

    /** Answers the readiness probe, and fills the table in which the auth and distro filters look controller methods up. */
    @RestController
    static class Readiness {
        private static final String[] CONTROLLERS = {
            "com.alibaba.nacos.core.controller", "com.alibaba.nacos.naming.controllers", "com.alibaba.nacos.config.server.controller"};

        Readiness(ControllerMethodsCache cache) {
            for (String p : CONTROLLERS) {
                cache.initClassMethod(p);
            }
        }

        @GetMapping("/v1/console/health/readiness")
        String ready() {
            return "OK";
        }
    }
}
