package org.example;

public class GreetReply implements java.io.Serializable {
    private static final long serialVersionUID = 1L;
    public String message, servedBy;
}
