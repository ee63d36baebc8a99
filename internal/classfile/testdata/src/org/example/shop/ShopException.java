package org.example.shop;

public class ShopException extends BaseException {
    private String sku;
    public ShopException() { }
    public ShopException(int code, String message, String sku) { super(code, message); this.sku = sku; }
    public String getSku() { return sku; }
}
