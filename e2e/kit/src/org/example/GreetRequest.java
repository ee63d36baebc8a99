package org.example;

public class GreetRequest implements java.io.Serializable {
    private static final long serialVersionUID = 1L;
    public String name, language;

    public GreetRequest() { }
    public GreetRequest(String name, String language) {
        this.name = name;
        this.language = language;
    }
}
