package org.dubbofn.kit;

import org.apache.dubbo.config.ApplicationConfig;
import org.apache.dubbo.rpc.RpcContext;

/** What Dubbo 2.7 calls differently from 3.x. */
final class Line {
    static final String NAME = "2.7";
    static final boolean IS_3 = false;

    static void send(String key, Object value) { RpcContext.getContext().setAttachment(key, value); }
    static Object received(String key) { return RpcContext.getContext().getObjectAttachment(key); }
    static void reply(String key, Object value) { RpcContext.getServerContext().setAttachment(key, value); }
    static Object replied(String key) { return RpcContext.getServerContext().getObjectAttachment(key); }
    static String callerApplication() { return RpcContext.getContext().getRemoteApplicationName(); }

    static void tune(ApplicationConfig app) { app.setQosEnable(false); }
    /** 2.7 has the parameter registry-type=service on the registry's URL instead. */
    static void registerMode(ApplicationConfig app, String mode) { }
    static void metadataPort(ApplicationConfig app, int port) { app.setMetadataServicePort(port); }

    private Line() { }
}
