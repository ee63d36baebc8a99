package org.bench;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;

import com.alibaba.com.caucho.hessian.io.Hessian2Input;
import com.alibaba.com.caucho.hessian.io.Hessian2Output;
import com.alibaba.com.caucho.hessian.io.SerializerFactory;

/**
 * hessian-lite on the same values as the Go codecs: a new stream object for every value and one shared factory, as Dubbo does.
 * Arguments: warm-up and measured milliseconds for each figure. Prints "case ns bytes", the median of nine slices.
 */
public final class Codec {
    private static final int SLICES = 9;
    private static final SerializerFactory FACTORY = new SerializerFactory();
    private static Object sink;

    private Codec() { }

    private interface Step { void run() throws IOException; }

    public static void main(String[] argv) throws IOException {
        long warm = Long.parseLong(argv[0]) * 1_000_000L;
        long measured = Long.parseLong(argv[1]) * 1_000_000L;
        report("user", User.sample(0, "Augusta Ada King Countess of Lovelace"), warm, measured);
        List<User> users = User.sample(100);
        report("users100", users, warm, measured);
        if (sink == null) {
            throw new IllegalStateException("nothing was measured");
        }
    }

    private static void report(String name, Object value, long warm, long measured) throws IOException {
        byte[] bytes = encode(value);
        System.out.printf("encode/%s %.1f %d%n", name, time(() -> sink = encode(value), warm, measured), bytes.length);
        System.out.printf("decode/%s %.1f %d%n", name, time(() -> sink = decode(bytes), warm, measured), bytes.length);
    }

    private static byte[] encode(Object value) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream(512);
        Hessian2Output out = new Hessian2Output(bytes);
        out.setSerializerFactory(FACTORY);
        out.writeObject(value);
        out.flushBuffer();
        return bytes.toByteArray();
    }

    private static Object decode(byte[] bytes) throws IOException {
        Hessian2Input in = new Hessian2Input(new ByteArrayInputStream(bytes));
        in.setSerializerFactory(FACTORY);
        return in.readObject();
    }

    private static double time(Step step, long warm, long measured) throws IOException {
        long until = System.nanoTime() + warm;
        long runs = 0;
        long start = System.nanoTime();
        while (System.nanoTime() < until) {
            step.run();
            runs++;
        }
        long each = Math.max(1, runs * (measured / SLICES) / Math.max(1, System.nanoTime() - start));
        double[] slices = new double[SLICES];
        for (int i = 0; i < SLICES; i++) {
            start = System.nanoTime();
            for (long n = 0; n < each; n++) {
                step.run();
            }
            slices[i] = (double) (System.nanoTime() - start) / each;
        }
        Arrays.sort(slices);
        return slices[SLICES / 2];
    }
}
