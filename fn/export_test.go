package fn

// KnownDescriptors tells how many descriptors a method's table holds.
func KnownDescriptors(s *Set, service, method string) int {
	return len(*s.services[service].versions[0].methods[method].known.Load())
}
