package org.example.shop;

import java.math.BigDecimal;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.example.money.Price;

/** A thing for sale. */
public class Product extends Entity {
    /** How large it is. */
    public enum Size {
        /** Fits a pocket. */
        SMALL { @Override int weight() { return 1; } },
        LARGE;

        int weight() { return 2; }
    }

    /** One side of it. */
    public static class Picture implements java.io.Serializable {
        public String URL;
        private byte[] bytes;
        public byte[] getBytes() { return bytes; }
    }

    private String name, userId = "a,b;\"c", größe;
    private Price price;
    private final Map<String, List<Integer>> stock = new HashMap<String, List<Integer>>();
    private Size size;
    private Boolean active;
    private LocalDate since;
    private List<Picture> pictures = new ArrayList<>();
    private String[] tags = {"a", "b"};
    private int[][] grid;
    private Object extra;
    private BigDecimal weight;
    private char type;
    private Product parent;
    /** @deprecated nobody reads it */
    @Deprecated private float rank;

    public String getName() { return name; }
}
