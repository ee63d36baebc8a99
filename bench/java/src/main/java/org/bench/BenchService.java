package org.bench;

import java.util.List;

/** What every peer serves. */
public interface BenchService {
    /** Gives its argument back. */
    String echo(String text);

    /** Gives the user back with id and age one higher, so that the fields have to be read. */
    User user(User user);

    /** Gives as many users as asked for, the same list every time. */
    List<User> users(int count);

    /** Gives its argument back. */
    byte[] bytes(byte[] data);
}
