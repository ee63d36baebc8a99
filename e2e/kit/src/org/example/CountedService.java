package org.example;

/** What the cycles call: each execution is written down by its id. */
public interface CountedService {
    long add(String id, long n, int millis);
    long look(String id, long n);
    void note(String id);
}
