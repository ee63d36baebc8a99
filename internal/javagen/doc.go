// Package javagen makes what a Java team needs of a function's manifest: a Maven project with the interfaces of its services, the classes, enums and
// exceptions that they use, and an example that calls them.
//
// The project has two modules. api depends on nothing and is what consumers depend on; example depends on Dubbo. The sources are of Java 8.
package javagen
