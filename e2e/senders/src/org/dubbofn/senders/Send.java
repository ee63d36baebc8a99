package org.dubbofn.senders;

import io.cloudevents.CloudEvent;
import io.cloudevents.core.builder.CloudEventBuilder;
import io.cloudevents.core.message.MessageWriter;
import io.cloudevents.http.HttpMessageFactory;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.HttpURLConnection;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.OffsetDateTime;

/** Sends one event in each mode to the URL given, and prints "SENT id status" for each. */
public final class Send {
    public static void main(String[] argv) throws Exception {
        for (String mode : new String[] {"binary", "structured"}) {
            CloudEvent e = CloudEventBuilder.v1().withId("java-" + mode).withSource(URI.create("/senders/java")).withType("org.dubbofn.keep")
                .withSubject("caf\u00e9 \u20ac \"q\"").withTime(OffsetDateTime.now()).withExtension("tenant", "a")
                .withData("application/json", "{\"n\":1}".getBytes(StandardCharsets.UTF_8)).build();
            HttpURLConnection c = (HttpURLConnection) URI.create(argv[0]).toURL().openConnection();
            c.setRequestMethod("POST");
            c.setDoOutput(true);
            MessageWriter<?, ?> w = HttpMessageFactory.createWriter(c::setRequestProperty, body -> {
                try (OutputStream o = c.getOutputStream()) {
                    if (body != null) {
                        o.write(body);
                    }
                } catch (IOException x) {
                    throw new UncheckedIOException(x);
                }
            });
            if (mode.equals("binary")) {
                w.writeBinary(e);
            } else {
                w.writeStructured(e, "application/cloudevents+json");
            }
            System.out.println("SENT java-" + mode + " " + c.getResponseCode());
        }
    }

    private Send() { }
}
