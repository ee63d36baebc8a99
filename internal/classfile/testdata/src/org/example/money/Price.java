package org.example.money;

/** Cents of a currency. */
public class Price implements java.io.Serializable {
    public long cents;
    public String currency;
}
