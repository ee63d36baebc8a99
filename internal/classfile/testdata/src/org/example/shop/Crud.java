package org.example.shop;

import java.util.List;
import java.util.Map;

/** What every catalogue can do. */
public interface Crud<T extends Entity, K extends Comparable<K>> {
    /**
     * Finds one.
     *
     * @param key what it is known by
     * @return null where there is none
     */
    T find(K key);

    List<? extends T> all(Map<? super K, ?> filter);

    void save(T item, T... more);
}
