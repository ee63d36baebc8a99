#!/bin/sh
# Compiles what is beside it again: classes with the names of parameters, plain without them, debug with those of variables.
set -eu
cd "$(dirname "$0")"
rm -rf classes plain debug
javac --release 8 -Xlint:-options -parameters -g -d classes $(find src/org -name '*.java')
javac --release 8 -Xlint:-options -g:none -d plain $(find src/org -name "*.java")
javac --release 8 -Xlint:-options -g -d debug src/Greeting.java
