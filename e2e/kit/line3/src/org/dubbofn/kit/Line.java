package org.dubbofn.kit;

import org.apache.dubbo.config.ApplicationConfig;
import org.apache.dubbo.rpc.RpcContext;

/** What Dubbo 3.x calls differently from 2.7. */
final class Line {
    static final String NAME = "3";
    static final boolean IS_3 = true;

    static void send(String key, Object value) { RpcContext.getClientAttachment().setObjectAttachment(key, value); }
    static Object received(String key) { return RpcContext.getServerAttachment().getObjectAttachment(key); }
    static void reply(String key, Object value) { RpcContext.getServerResponseContext().setObjectAttachment(key, value); }
    static Object replied(String key) { return RpcContext.getClientResponseContext().getObjectAttachment(key); }
    static String callerApplication() { return RpcContext.getServiceContext().getRemoteApplicationName(); }

    static void tune(ApplicationConfig app) {
        app.setQosEnable(false);
        app.setSerializeCheckStatus("STRICT");
    }
    static void registerMode(ApplicationConfig app, String mode) { app.setRegisterMode(mode); }
    /** 3.x serves its metadata on the service's own port. */
    static void metadataPort(ApplicationConfig app, int port) { }

    private Line() { }
}
