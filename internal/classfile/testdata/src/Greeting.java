public interface Greeting { default String greeting(String name, long times, String end) { String x = name + end; return x + times; } }
