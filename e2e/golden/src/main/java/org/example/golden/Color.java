package org.example.golden;

/** One constant has a body: its class is a subclass of the enum. */
public enum Color {
    RED,
    GREEN {
        @Override
        public boolean calm() {
            return true;
        }
    },
    BLUE;

    public boolean calm() {
        return false;
    }
}
