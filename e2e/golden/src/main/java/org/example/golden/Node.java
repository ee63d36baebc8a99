package org.example.golden;

import java.io.Serializable;

/** next may point back: the graph may be cyclic. */
public class Node implements Serializable {
    public String label;
    public Node next;

    public Node() {}

    public Node(String label, Node next) {
        this.label = label;
        this.next = next;
    }
}
