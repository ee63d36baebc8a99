package getty

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/apache/dubbo-getty"
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

func (l logger) log(level slog.Level, args []any) {
	if l.to.Enabled(context.TODO(), level) {
		l.to.Log(context.TODO(), level, "getty: "+fmt.Sprint(args...))
	}
}

func (l logger) logf(level slog.Level, format string, args []any) {
	if l.to.Enabled(context.TODO(), level) {
		l.to.Log(context.TODO(), level, "getty: "+fmt.Sprintf(format, args...))
	}
}

func (l logger) Debug(args ...any) { l.log(slog.LevelDebug, args) }
func (l logger) Info(args ...any)  { l.log(slog.LevelDebug, args) }
func (l logger) Warn(args ...any)  { l.log(slog.LevelInfo, args) }
func (l logger) Error(args ...any) { l.log(slog.LevelWarn, args) }

func (l logger) Debugf(format string, args ...any) { l.logf(slog.LevelDebug, format, args) }
func (l logger) Infof(format string, args ...any)  { l.logf(slog.LevelDebug, format, args) }
func (l logger) Warnf(format string, args ...any)  { l.logf(slog.LevelInfo, format, args) }
func (l logger) Errorf(format string, args ...any) { l.logf(slog.LevelWarn, format, args) }
