// Package environ reads a program's settings from its environment: a struct with one field for each variable, whose tags say
// its name (envconfig), default, what it means (desc), which values it takes (want), and whether it is a secret.
package environ

import (
	"fmt"
	"os"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/dubbofn/dubbofn/invoker"
)

// Read fills the fields of the struct that c points to that name a variable. It gives one error for each variable that can't be read.
//
// What it takes is what github.com/kelseyhightower/envconfig takes, with which the tests compare it. A function would link that one's regular
// expressions, and text/template, and spend a tenth of its start on them.
func Read(c any) (faults []error) {
	v := reflect.ValueOf(c).Elem()
	for i := range v.NumField() {
		f := v.Type().Field(i)
		name := f.Tag.Get("envconfig")
		if name == "" {
			continue
		}
		text, is := os.LookupEnv(name)
		if !is {
			text = f.Tag.Get("default")
		}
		if !is && text == "" {
			continue
		}
		if set(v.Field(i), text) != nil {
			faults = append(faults, fault(f, text, "can't be read"))
		}
	}
	return faults
}

// set gives v the value that text stands for.
func set(v reflect.Value, text string) error {
	if d, ok := v.Addr().Interface().(interface{ Decode(text string) error }); ok {
		return d.Decode(text)
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
		return nil
	case reflect.Slice:
		return setList(v, text)
	case reflect.Pointer: // nil where the variable is not set
		to := reflect.New(v.Type().Elem())
		v.Set(to)
		return set(to.Elem(), text)
	default:
		x, err := scalar(v.Type(), text)
		if err == nil {
			v.Set(x.Convert(v.Type()))
		}
		return err
	}
}

// scalar reads a number in any of Go's notations, a duration, or a bool.
func scalar(rt reflect.Type, text string) (reflect.Value, error) {
	var x any
	var err error
	switch {
	case rt == reflect.TypeFor[time.Duration]():
		x, err = time.ParseDuration(text)
	case rt.Kind() == reflect.Bool:
		x, err = strconv.ParseBool(text)
	case rt.Kind() == reflect.Float64:
		x, err = strconv.ParseFloat(text, 64)
	case rt.Kind() == reflect.Int || rt.Kind() == reflect.Int64:
		x, err = strconv.ParseInt(text, 0, rt.Bits())
	default:
		err = fmt.Errorf("no variable is a %v", rt)
	}
	return reflect.ValueOf(x), err
}

// setList reads what is separated by commas; of blanks alone there is nothing.
func setList(v reflect.Value, text string) error {
	var parts []string
	if strings.TrimSpace(text) != "" {
		parts = strings.Split(text, ",")
	}
	all := reflect.MakeSlice(v.Type(), len(parts), len(parts))
	for i, part := range parts {
		if err := set(all.Index(i), part); err != nil {
			return err
		}
	}
	v.Set(all)
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
