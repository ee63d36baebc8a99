package org.example.golden;

import java.io.Serializable;

/** The superclass of Person: its fields travel with every Person. */
public class Base implements Serializable {
    public long id;
    public String createdBy;
}
