package org.example;

/** What examples/functions/greet offers. */
public interface GreetService {
    String hello(String name);
    GreetReply greet(GreetRequest request);
}
