package org.example.shop;

import java.util.*;
import java.util.concurrent.CompletableFuture;
import org.example.money.*;

/**
 * Sells things; "quoted" and {@code braced {}}.
 * Its comment has two lines.
 */
public interface CatalogueService extends Crud<Product, Long> {
    String PREFIX = "a;b{\"c\" // no comment";

    /** @deprecated use {@link #search} */
    @Deprecated
    List<Product> list();

    Page<Product> search(String text, int offset, int limit) throws ShopException, java.io.IOException;

    CompletableFuture<List<Product>> later(long id, double weight, Product.Size size);

    CompletableFuture<Void> forget(Set<Long> ids);

    /* not a doc comment */ Price[] prices(Collection<Price> given, int[]... grids);

    Map<Product.Size, List<Price[]>> table(SortedMap<String, Integer> counts, char separator, Character other);

    /** Overloads. */
    boolean order(String sku);
    boolean order(String sku, int count);
    boolean order(List<String> skus);
    boolean order(String[] skus);

    <X extends Entity> X same(X value, Object any);

    default String greeting(String name, long times, String end) {
        String text = "}{" + '"' + '}';
        return text + name + times + end; // }
    }

    static CatalogueService none() { return null; }
}
