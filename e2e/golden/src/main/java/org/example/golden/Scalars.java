package org.example.golden;

import java.io.Serializable;

/** Every primitive, and every boxed type, of which half are null in the golden value. */
public class Scalars implements Serializable {
    public boolean z;
    public byte b;
    public short s;
    public char c;
    public int i;
    public long j;
    public float f;
    public double d;
    public Boolean boxedBoolean;
    public Byte boxedByte;
    public Short boxedShort;
    public Character boxedChar;
    public Integer boxedInt;
    public Long boxedLong;
    public Float boxedFloat;
    public Double boxedDouble;
}
