import org.apache.dubbo.config.ApplicationConfig;
import org.apache.dubbo.config.ReferenceConfig;
import org.apache.dubbo.config.RegistryConfig;
import org.example.GreetReply;
import org.example.GreetRequest;
import org.example.GreetService;

/**
 * What a Java team has: a consumer of org.example.GreetService, with Dubbo's own settings, that knows of Nacos and of nothing else. It is compiled and run
 * against either line of Dubbo by "java Greeting.java NACOS-URL NAME".
 */
public class Greeting {
    public static void main(String[] args) {
        ReferenceConfig<GreetService> reference = new ReferenceConfig<>();
        reference.setApplication(new ApplicationConfig("greeting"));
        reference.setRegistry(new RegistryConfig(args[0]));
        reference.setInterface(GreetService.class);
        GreetService greeter = reference.get();

        long begin = System.nanoTime();
        String hello = greeter.hello(args[1]);
        System.out.printf("hello: %s (%d ms)%n", hello, (System.nanoTime() - begin) / 1_000_000);
        begin = System.nanoTime();
        GreetReply reply = greeter.greet(new GreetRequest(args[1], "fr"));
        System.out.printf("greet: %s (%d ms)%n", reply.message, (System.nanoTime() - begin) / 1_000_000);
        try {
            greeter.greet(new GreetRequest(args[1], "xx"));
        } catch (RuntimeException e) {
            System.out.println("and what it refuses: " + e.getMessage().split("\n")[0]);
        }
        System.exit(0);
    }
}
