package org.example.golden;

import java.io.Serializable;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Containers as fields, whose element types the wire does not tell. */
public class Arrays2D implements Serializable {
    public int[][] matrix;
    public String[] words;
    public Address[] homes;
    public Set<String> names;
    public Set<Color> colors;
    public Map<Integer, Address> byZip;
    public Map<String, List<Address>> groups;
    public List<Long> longs;
    public List<Short> shorts;
}
