package org.example.golden;

import java.math.BigDecimal;
import java.util.Date;
import java.util.List;
import java.util.Map;

public class Person extends Base {
    public String name;
    public int age;
    public Boolean active;
    public double score;
    public Color favourite;
    public Address home;
    public List<Address> others;
    public Map<String, String> tags;
    public Date born;
    public BigDecimal balance;
    public byte[] blob;
}
