package getty

import (
	"fmt"
	"log/slog"

	getty "github.com/apache/dubbo-getty"
)

// SetLog gives the library's log to l; nil silences it. The library has one logger for the whole process, so a program calls
// this once, before anything of this package.
func SetLog(l *slog.Logger) {
	if l == nil {
		l = slog.New(slog.DiscardHandler)
	}
	getty.SetLogger(logger{l})
}

// logger is a getty.Logger. What the library calls an error is often a peer that went away: it is a warning here.
type logger struct{ to *slog.Logger }

// Debug and its like take the library's own levels one down.
func (l logger) Debug(args ...any) { l.to.Debug("getty: " + fmt.Sprint(args...)) }
func (l logger) Info(args ...any)  { l.to.Debug("getty: " + fmt.Sprint(args...)) }
func (l logger) Warn(args ...any)  { l.to.Info("getty: " + fmt.Sprint(args...)) }
func (l logger) Error(args ...any) { l.to.Warn("getty: " + fmt.Sprint(args...)) }

func (l logger) Debugf(format string, args ...any) {
	l.to.Debug("getty: " + fmt.Sprintf(format, args...))
}
func (l logger) Infof(format string, args ...any) {
	l.to.Debug("getty: " + fmt.Sprintf(format, args...))
}
func (l logger) Warnf(format string, args ...any) {
	l.to.Info("getty: " + fmt.Sprintf(format, args...))
}
func (l logger) Errorf(format string, args ...any) {
	l.to.Warn("getty: " + fmt.Sprintf(format, args...))
}
