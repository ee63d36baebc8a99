package org.example.golden;

import java.io.Serializable;

public class Address implements Serializable {
    public String street;
    public int zip;

    public Address() {}

    public Address(String street, int zip) {
        this.street = street;
        this.zip = zip;
    }
}
