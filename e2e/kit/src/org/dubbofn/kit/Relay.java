package org.dubbofn.kit;

import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;

/** A TCP relay on loopback that counts connections and shows what passes to a {@link Watch} for each direction. */
final class Relay implements AutoCloseable {
    /** Sees the bytes of one direction of one connection, in order. */
    interface Watch { void bytes(byte[] b, int n); }

    final AtomicInteger connections = new AtomicInteger();
    private final ServerSocket server;
    private final InetSocketAddress target;
    private final Supplier<Watch> up, down;

    Relay(int listen, String host, int port, Supplier<Watch> up, Supplier<Watch> down) throws Exception {
        this.target = new InetSocketAddress(host, port);
        this.up = up;
        this.down = down;
        server = new ServerSocket(listen, 64, InetAddress.getByName("127.0.0.1"));
        daemon(this::accept);
    }

    int port() { return server.getLocalPort(); }

    private void accept() {
        while (!server.isClosed()) {
            try {
                Socket client = server.accept();
                connections.incrementAndGet();
                Socket peer = new Socket();
                try {
                    peer.connect(target, 2000);
                } catch (Exception refused) {
                    client.close();
                    continue;
                }
                client.setTcpNoDelay(true);
                peer.setTcpNoDelay(true);
                daemon(() -> pump(client, peer, up.get()));
                daemon(() -> pump(peer, client, down.get()));
            } catch (Exception closed) { /* the loop's condition decides */ }
        }
    }

    private static void pump(Socket from, Socket to, Watch watch) {
        byte[] buf = new byte[65536];
        try (Socket a = from; Socket b = to; InputStream in = from.getInputStream(); OutputStream out = to.getOutputStream()) {
            for (int n; (n = in.read(buf)) > 0; ) {
                watch.bytes(buf, n);
                out.write(buf, 0, n);
                out.flush();
            }
        } catch (Exception closed) { /* either end went */ }
    }

    private static void daemon(Runnable r) {
        Thread t = new Thread(r, "relay");
        t.setDaemon(true);
        t.start();
    }

    @Override public void close() throws Exception { server.close(); }

    /** Counts the event frames (heartbeats and the like) of the Dubbo protocol: magic 0xdabb, flag 0x20, length at offset 12. */
    static final class Events implements Watch {
        private final AtomicInteger count;
        private final byte[] head = new byte[16];
        private int have;
        private long body;

        Events(AtomicInteger count) { this.count = count; }

        @Override public void bytes(byte[] b, int n) {
            for (int i = 0; i < n; ) {
                if (body > 0) {
                    int k = (int) Math.min(body, n - i);
                    body -= k;
                    i += k;
                    continue;
                }
                head[have++] = b[i++];
                if (have < 16) {
                    continue;
                }
                have = 0;
                if ((head[0] & 0xff) == 0xda && (head[1] & 0xff) == 0xbb) {
                    if ((head[2] & 0x20) != 0) {
                        count.incrementAndGet();
                    }
                    body = ((head[12] & 0xffL) << 24) | ((head[13] & 0xff) << 16) | ((head[14] & 0xff) << 8) | (head[15] & 0xff);
                }
            }
        }
    }
}
