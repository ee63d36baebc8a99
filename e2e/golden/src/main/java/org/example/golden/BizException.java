package org.example.golden;

/** A checked business exception with a field of its own. */
public class BizException extends Exception {
    private int code;

    public BizException() {}

    public BizException(int code, String message, Throwable cause) {
        super(message, cause);
        this.code = code;
    }

    public int getCode() {
        return code;
    }
}
