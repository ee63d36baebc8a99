package org.example.shop;

/** Every failure of the shop. */
public class BaseException extends Exception {
    private int code;
    public BaseException() { }
    public BaseException(int code, String message) { super(message); this.code = code; }
    public int getCode() { return code; }
}
