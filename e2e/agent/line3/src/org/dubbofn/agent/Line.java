package org.dubbofn.agent;

import org.apache.dubbo.rpc.RpcContext;

/** Where Dubbo 3.x keeps what goes beside a call. */
final class Line {
    static void send(String key, String value) { RpcContext.getClientAttachment().setAttachment(key, value); }
    static String received(String key) { return RpcContext.getServerAttachment().getAttachment(key); }
    static String remote() { return RpcContext.getServerAttachment().getRemoteAddressString(); }

    private Line() { }
}
