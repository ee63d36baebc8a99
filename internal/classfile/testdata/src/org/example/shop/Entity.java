package org.example.shop;

import java.io.Serializable;

public abstract class Entity implements Serializable {
    private static final long serialVersionUID = 1L;
    /** Never changes. */
    protected long id;
    private transient int cache = compute(1, new int[] {1, 2});

    private static int compute(int a, int[] b) { return a + b.length; }
    public long getId() { return id; }
    public void setId(long id) { this.id = id; }
}
