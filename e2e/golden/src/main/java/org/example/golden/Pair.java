package org.example.golden;

import java.io.Serializable;

public class Pair<A, B> implements Serializable {
    public A first;
    public B second;

    public Pair() {}

    public Pair(A first, B second) {
        this.first = first;
        this.second = second;
    }
}
