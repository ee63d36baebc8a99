package org.bench;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;

/** The POJO of all cases: eight fields, the kinds that business objects have most. */
public class User implements Serializable {
    private static final long serialVersionUID = 1L;

    private long id;
    private String name;
    private String email;
    private int age;
    private boolean active;
    private double score;
    private String address;
    private List<String> tags;

    /** The users that users(count) answers with. */
    static List<User> sample(int count) {
        List<User> users = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            users.add(sample(i, "User Number " + (1000 + i)));
        }
        return users;
    }

    static User sample(int i, String name) {
        User u = new User();
        u.id = 7_000_000_000L + i;
        u.name = name;
        u.email = "user" + (1000 + i) + "@bench.example.org";
        u.age = 20 + i % 60;
        u.active = i % 2 == 0;
        u.score = 1.25 + i;
        u.address = "12 Long Street, Springfield, Building " + (100 + i % 900) + ", Postcode " + (21000 + i);
        u.tags = new ArrayList<>(List.of("alphabetical", "beta", "gamma-" + (10 + i % 90)));
        return u;
    }

    @Override public boolean equals(Object other) {
        return other instanceof User u && id == u.id && age == u.age && active == u.active && score == u.score
            && name.equals(u.name) && email.equals(u.email) && address.equals(u.address) && tags.equals(u.tags);
    }

    @Override public int hashCode() { return Long.hashCode(id); }

    public long getId() { return id; }
    public void setId(long id) { this.id = id; }
    public String getName() { return name; }
    public void setName(String name) { this.name = name; }
    public String getEmail() { return email; }
    public void setEmail(String email) { this.email = email; }
    public int getAge() { return age; }
    public void setAge(int age) { this.age = age; }
    public boolean isActive() { return active; }
    public void setActive(boolean active) { this.active = active; }
    public double getScore() { return score; }
    public void setScore(double score) { this.score = score; }
    public String getAddress() { return address; }
    public void setAddress(String address) { this.address = address; }
    public List<String> getTags() { return tags; }
    public void setTags(List<String> tags) { this.tags = tags; }
}
