package invoker

// Exception is a Java throwable: one that a provider's method threw and a consumer got, or one that a Go function returns
// so that the consumer sees exactly this class.
type Exception struct {
	Class   string         // "org.example.BizException"
	Message string         // getMessage()
	Fields  map[string]any // fields of its own, beside those of java.lang.Throwable
	Cause   error          // often an *Exception; nil when there is none
	Trace   []StackFrame   // outermost call last; empty when the peer sent none
}

// StackFrame is one java.lang.StackTraceElement.
type StackFrame struct {
	Class, Method, File string
	Line                int
}

// Error gives "class: message".
func (e *Exception) Error() string {
	if e.Message == "" {
		return e.Class
	}
	return e.Class + ": " + e.Message
}

// Unwrap gives the cause.
func (e *Exception) Unwrap() error { return e.Cause }
