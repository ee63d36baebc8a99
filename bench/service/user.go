// Package service is what every Go peer serves or calls: org.bench.BenchService, in plain Go. The Java peers have the same in java/.
package service

import (
	"fmt"
	"sync"
)

// Interface is the service's Java interface.
const Interface = "org.bench.BenchService"

// Numbered is the name of one of many services that are like Interface. All names have the same length.
func Numbered(i int) string { return fmt.Sprintf("%s%05d", Interface, i) }

// Text is what calls of echo(String) carry: 16 bytes.
const Text = "sixteen bytes ok"

// User is the POJO of all cases, org.bench.User: eight fields, the kinds that business objects have most.
type User struct {
	Id      int64 //nolint:revive // dubbo-go-hessian2 takes the Java name from it: "id"
	Name    string
	Email   string
	Age     int32
	Active  bool
	Score   float64
	Address string
	Tags    []string
}

// JavaClassName gives the Java class, for all codecs.
func (*User) JavaClassName() string { return "org.bench.User" }

// Ada is the user that calls of user(User) carry.
func Ada() *User { return sample(0, "Augusta Ada King Countess of Lovelace") }

// Next is the work of user(User): id and age one higher, so that the fields have to be read.
func Next(u *User) *User {
	u.Id++
	u.Age++
	return u
}

// Bytes is what calls of bytes(byte[]) carry.
func Bytes(n int) []byte {
	data := make([]byte, n)
	for i := range data {
		data[i] = byte(i * 31 >> 3)
	}
	return data
}

// Sample gives the users that users(count) answers with: the same on every peer.
func Sample(count int) []*User {
	users := make([]*User, count)
	for i := range users {
		users[i] = sample(i, fmt.Sprintf("User Number %d", 1000+i))
	}
	return users
}

func sample(i int, name string) *User {
	return &User{
		Id:      7_000_000_000 + int64(i),
		Name:    name,
		Email:   fmt.Sprintf("user%d@bench.example.org", 1000+i),
		Age:     int32(20 + i%60),
		Active:  i%2 == 0,
		Score:   1.25 + float64(i),
		Address: fmt.Sprintf("12 Long Street, Springfield, Building %d, Postcode %d", 100+i%900, 21000+i),
		Tags:    []string{"alphabetical", "beta", fmt.Sprintf("gamma-%d", 10+i%90)},
	}
}

// Lists keeps the lists that were asked for, so that a peer's work is the call and not the making of a list.
// It is safe for concurrent use; the zero value is ready.
type Lists struct {
	made sync.Map // int32 → []*User
}

// Get gives the list of that many users. Callers must not change it.
func (l *Lists) Get(count int32) []*User {
	made, ok := l.made.Load(count)
	if !ok {
		made, _ = l.made.LoadOrStore(count, Sample(int(count)))
	}
	users, _ := made.([]*User)
	return users
}
