package org.dubbofn.agent;

import org.apache.dubbo.rpc.RpcContext;

/** Where Dubbo 2.7 keeps what goes beside a call. */
final class Line {
    static void send(String key, String value) { RpcContext.getContext().setAttachment(key, value); }
    static String received(String key) { return RpcContext.getContext().getAttachment(key); }
    static String remote() { return RpcContext.getContext().getRemoteAddressString(); }

    private Line() { }
}
