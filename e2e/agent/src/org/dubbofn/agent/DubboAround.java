package org.dubbofn.agent;

import java.lang.reflect.Method;
import java.util.Arrays;
import java.util.stream.Collectors;
import org.apache.dubbo.common.URL;
import org.apache.dubbo.rpc.Invocation;
import org.apache.dubbo.rpc.Invoker;
import org.apache.dubbo.rpc.Result;
import org.apache.skywalking.apm.agent.core.context.CarrierItem;
import org.apache.skywalking.apm.agent.core.context.ContextCarrier;
import org.apache.skywalking.apm.agent.core.context.ContextManager;
import org.apache.skywalking.apm.agent.core.context.tag.Tags;
import org.apache.skywalking.apm.agent.core.context.trace.AbstractSpan;
import org.apache.skywalking.apm.agent.core.context.trace.SpanLayer;
import org.apache.skywalking.apm.agent.core.plugin.interceptor.enhance.EnhancedInstance;
import org.apache.skywalking.apm.agent.core.plugin.interceptor.enhance.InstanceMethodsAroundInterceptor;
import org.apache.skywalking.apm.agent.core.plugin.interceptor.enhance.MethodInterceptResult;
import org.apache.skywalking.apm.network.trace.component.ComponentsDefine;

/**
 * A span for each call, with the names, peers and tags that the agent's own Dubbo plugins give. Codec, sampling and reporting are the agent's; only where it
 * hooks in is ours, for tests alone.
 */
public class DubboAround implements InstanceMethodsAroundInterceptor {
    @Override
    public void beforeMethod(EnhancedInstance o, Method m, Object[] args, Class<?>[] types, MethodInterceptResult r) {
        URL url = ((Invoker<?>) args[0]).getUrl();
        Invocation call = (Invocation) args[1];
        String params = Arrays.stream(call.getParameterTypes()).map(Class::getSimpleName).collect(Collectors.joining(","));
        String group = url.getParameter("group");
        String name = (group == null || group.isEmpty() ? "" : group + "/") + url.getPath() + "." + call.getMethodName() + "(" + params + ")";
        ContextCarrier carrier = new ContextCarrier();
        AbstractSpan span;
        if ("consumer".equals(url.getParameter("side"))) {
            span = ContextManager.createExitSpan(name, carrier, url.getHost() + ":" + url.getPort());
            for (CarrierItem i = carrier.items(); i.hasNext();) {
                i = i.next();
                Line.send(i.getHeadKey(), i.getHeadValue());
                call.getAttachments().remove(i.getHeadKey());
            }
        } else {
            for (CarrierItem i = carrier.items(); i.hasNext();) {
                i = i.next();
                i.setHeadValue(Line.received(i.getHeadKey()));
            }
            span = ContextManager.createEntrySpan(name, carrier);
            span.setPeer(Line.remote());
        }
        Tags.URL.set(span, url.getProtocol() + "://" + url.getHost() + ":" + url.getPort() + "/" + name);
        span.setComponent(ComponentsDefine.DUBBO);
        SpanLayer.asRPCFramework(span);
    }

    @Override
    public Object afterMethod(EnhancedInstance o, Method m, Object[] args, Class<?>[] types, Object ret) {
        if (ret instanceof Result && ((Result) ret).getException() != null) {
            ContextManager.activeSpan().log(((Result) ret).getException());
        }
        ContextManager.stopSpan();
        return ret;
    }

    @Override
    public void handleMethodException(EnhancedInstance o, Method m, Object[] args, Class<?>[] types, Throwable t) {
        ContextManager.activeSpan().log(t);
    }
}
