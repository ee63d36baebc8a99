// Package environ reads a program's settings from its environment: a struct with one field for each variable, whose tags say
// its name (envconfig), default, what it means (desc), which values it takes (want), and whether it is a secret.
package environ

import (
	"fmt"
	"os"
	"reflect"
	"strings"

	"github.com/kelseyhightower/envconfig"

	"github.com/dubbofn/dubbofn/invoker"
)

// Read fills the exported fields of the struct that c points to. It gives one error for each variable that can't be read.
func Read(c any) (faults []error) {
	v := reflect.ValueOf(c).Elem()
	fields := make([]reflect.StructField, 0, v.NumField())
	own := v.Type() // where all is a variable's: to make a type like it takes 0.2 ms, which a function would pay at each start
	for i := range v.NumField() {
		switch f := v.Type().Field(i); {
		case !f.IsExported(): // passed over by envconfig too
		case f.Tag.Get("envconfig") != "":
			fields = append(fields, f)
		default:
			own = nil
		}
	}
	if own == nil {
		own = reflect.StructOf(fields)
	}
	if read(v, own, fields...) == nil {
		return nil
	}
	for _, f := range fields { // one by one, since envconfig stops at its first fault
		if read(v, reflect.StructOf([]reflect.StructField{f}), f) != nil {
			faults = append(faults, fault(f, os.Getenv(f.Tag.Get("envconfig")), "can't be read"))
		}
	}
	return faults
}

// read fills the fields if all of them can be read. They are read into a struct of their own, whose exported fields they are: envconfig would
// look for variables for others too.
func read(v reflect.Value, of reflect.Type, fields ...reflect.StructField) error {
	own := reflect.New(of)
	if err := envconfig.Process("", own.Interface()); err != nil {
		return err
	}
	i := 0
	for n := range of.NumField() {
		if of.Field(n).IsExported() {
			v.FieldByIndex(fields[i].Index).Set(own.Elem().Field(n))
			i++
		}
	}
	return nil
}

// Fault is the error of the variable behind a field of T: its name, its value unless it is a secret, and what would do.
func Fault[T any](field string, value any, why string) error {
	f, _ := reflect.TypeFor[T]().FieldByName(field)
	return fault(f, fmt.Sprint(value), why)
}

func fault(f reflect.StructField, value, why string) error {
	if f.Tag.Get("secret") != "" {
		value = "***"
	}
	return fmt.Errorf("%s=%q %s; want %s", f.Tag.Get("envconfig"), value, why, f.Tag.Get("want"))
}

// URL reads the Dubbo URL of the variable behind a field of T.
func URL[T any](field, s string) (invoker.URL, error) {
	u, err := invoker.ParseURL(s)
	if err != nil {
		f, _ := reflect.TypeFor[T]().FieldByName(field)
		return u, fmt.Errorf("%s: %w; want %s", f.Tag.Get("envconfig"), err, f.Tag.Get("want"))
	}
	return u, nil
}

// SplitURLs joins what was split at commas (a comma may also separate the hosts of one URL) and splits at blanks.
func SplitURLs(parts []string) (urls []string) {
	for _, p := range parts {
		for s := range strings.FieldsSeq(p) {
			if len(urls) > 0 && !strings.Contains(s, "://") {
				urls[len(urls)-1] += "," + s
				continue
			}
			urls = append(urls, s)
		}
	}
	return urls
}
