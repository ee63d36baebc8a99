package org.dubbofn.kit;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Reads the requests of a Nacos client from its gRPC connections and counts the configs that it asked for, by "group dataId". */
final class Http2 {
    private static final Pattern GROUP = Pattern.compile("\"group\":\"([^\"]*)\""), DATA_ID = Pattern.compile("\"dataId\":\"([^\"]*)\"");
    private static final int PREFACE = 24, HEAD = 9, DATA = 0;

    final Map<String, Integer> configs = new ConcurrentSkipListMap<>();

    Relay.Watch connection() {
        return new Relay.Watch() {
            private final ByteArrayOutputStream pending = new ByteArrayOutputStream();
            private boolean begun;

            @Override public void bytes(byte[] b, int n) {
                pending.write(b, 0, n);
                byte[] all = pending.toByteArray();
                int at = 0;
                if (!begun) {
                    if (all.length < PREFACE) {
                        return;
                    }
                    begun = true;
                    at = PREFACE;
                }
                while (all.length - at >= HEAD) { // RFC 9113, 4.1: length (3 bytes), type, flags, stream (4)
                    int length = (all[at] & 0xff) << 16 | (all[at + 1] & 0xff) << 8 | all[at + 2] & 0xff;
                    if (all.length - at - HEAD < length) {
                        break;
                    }
                    if (all[at + 3] == DATA) {
                        request(new String(all, at + HEAD, length, StandardCharsets.ISO_8859_1));
                    }
                    at += HEAD + length;
                }
                pending.reset();
                pending.write(all, at, all.length - at);
            }
        };
    }

    /** A query is one small message, so it comes in one DATA frame: its type in the head, its fields as JSON. */
    private void request(String text) {
        Matcher group = GROUP.matcher(text), dataId = DATA_ID.matcher(text);
        if (text.contains("ConfigQueryRequest") && group.find() && dataId.find()) {
            configs.merge(group.group(1) + " " + dataId.group(1), 1, Integer::sum);
        }
    }
}
