package org.dubbofn.agent;

import static org.apache.skywalking.apm.dependencies.net.bytebuddy.matcher.ElementMatchers.named;

import org.apache.skywalking.apm.agent.core.plugin.interceptor.ConstructorInterceptPoint;
import org.apache.skywalking.apm.agent.core.plugin.interceptor.InstanceMethodsInterceptPoint;
import org.apache.skywalking.apm.agent.core.plugin.interceptor.enhance.ClassInstanceMethodsEnhancePluginDefine;
import org.apache.skywalking.apm.agent.core.plugin.match.ClassMatch;
import org.apache.skywalking.apm.agent.core.plugin.match.NameMatch;
import org.apache.skywalking.apm.dependencies.net.bytebuddy.description.method.MethodDescription;
import org.apache.skywalking.apm.dependencies.net.bytebuddy.matcher.ElementMatcher;

/** Where the agent comes in: Dubbo's monitor filter, which both sides of a call go through. */
public class DubboPoint extends ClassInstanceMethodsEnhancePluginDefine {
    @Override
    protected ClassMatch enhanceClass() { return NameMatch.byName("org.apache.dubbo.monitor.support.MonitorFilter"); }

    @Override
    public ConstructorInterceptPoint[] getConstructorsInterceptPoints() { return null; }

    @Override
    public InstanceMethodsInterceptPoint[] getInstanceMethodsInterceptPoints() {
        return new InstanceMethodsInterceptPoint[] {new InstanceMethodsInterceptPoint() {
            @Override
            public ElementMatcher<MethodDescription> getMethodsMatcher() { return named("invoke"); }

            @Override
            public String getMethodsInterceptor() { return "org.dubbofn.agent.DubboAround"; }

            @Override
            public boolean isOverrideArgs() { return false; }
        }};
    }
}
