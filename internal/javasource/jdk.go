package javasource

import (
	"slices"
	"strings"

	"github.com/dubbofn/dubbofn/internal/javadecl"
)

// isJDK tells of the JDK's classes that interfaces of services mention. It only matters for names that are imported with a star, or not at
// all.
func isJDK(class string) bool {
	pkg := javadecl.PackageOf(class)
	return pkg != "" && slices.Contains(strings.Fields(jdkClasses(pkg)), class[len(pkg)+1:])
}

func jdkClasses(pkg string) string {
	switch pkg {
	case "java.lang":
		return "Object String Boolean Byte Short Character Integer Long Float Double Number Void Iterable Comparable CharSequence StringBuilder StringBuffer " +
			"Enum Record Class Thread Runnable AutoCloseable Cloneable Throwable Exception RuntimeException Error IllegalArgumentException " +
			"IllegalStateException UnsupportedOperationException NullPointerException IndexOutOfBoundsException ArithmeticException " +
			"ClassCastException NumberFormatException SecurityException InterruptedException CloneNotSupportedException ClassNotFoundException"
	case "java.util":
		return "Collection List ArrayList LinkedList Vector Stack Set HashSet LinkedHashSet SortedSet NavigableSet TreeSet EnumSet Map HashMap LinkedHashMap " +
			"SortedMap NavigableMap TreeMap EnumMap Hashtable IdentityHashMap WeakHashMap Properties Queue Deque ArrayDeque PriorityQueue Iterator " +
			"Enumeration Date Calendar UUID Locale Currency TimeZone Optional OptionalInt OptionalLong OptionalDouble BitSet NoSuchElementException"
	case "java.util.concurrent":
		return "CompletableFuture CompletionStage Future ConcurrentMap ConcurrentHashMap CopyOnWriteArrayList CopyOnWriteArraySet TimeUnit TimeoutException " +
			"ExecutionException BlockingQueue ConcurrentLinkedQueue ConcurrentSkipListMap ConcurrentSkipListSet Callable"
	case "java.util.function":
		return "Function BiFunction Supplier Consumer BiConsumer Predicate UnaryOperator"
	case "java.util.stream":
		return "Stream IntStream LongStream DoubleStream"
	case "java.math":
		return "BigDecimal BigInteger"
	case "java.time":
		return "Instant LocalDate LocalTime LocalDateTime OffsetDateTime OffsetTime ZonedDateTime Duration Year YearMonth MonthDay Period ZoneId ZoneOffset DayOfWeek Month"
	case "java.io":
		return "Serializable IOException UncheckedIOException FileNotFoundException InputStream OutputStream Reader Writer File Closeable"
	case "java.sql":
		return "Timestamp Date Time SQLException Blob Clob"
	case "java.net":
		return "URL URI InetAddress MalformedURLException URISyntaxException"
	}
	return ""
}
