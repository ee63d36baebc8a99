package java

// Object is an instance of a Java class that no Go type stands for. Its fields keep the order in which they came.
// A pointer to it has an identity: the same pointer twice in one value is the same Java object twice.
type Object struct {
	Class  string // "org.example.Person"
	Fields []Field
}

// Field is one field of an Object.
type Field struct {
	Name  string
	Value any // nil for Java's null
}

// Get gives the value of the first field with that name, nil when there is none.
func (o *Object) Get(name string) any {
	for i := range o.Fields {
		if o.Fields[i].Name == name {
			return o.Fields[i].Value
		}
	}
	return nil
}

// List is a Java list, set or array whose class has to be kept: "java.util.HashSet", "[string", "[org.example.Person".
// Where no class is known a []any serves.
type List struct {
	Class string // as Hessian writes it: arrays begin with "["
	Items []any
}

// Map is a Java map whose class or order has to be kept, or whose keys Go's maps can't hold.
type Map struct {
	Class   string // "java.util.TreeMap"; empty for the reader's default (HashMap)
	Entries []Entry
}

// Entry is one entry of a Map.
type Entry struct {
	Key, Value any
}

// Set is a Java set. It is written as java.util.HashSet and read from any collection. Any other map whose values are
// struct{} is taken for a set as well.
type Set[T comparable] map[T]struct{}
