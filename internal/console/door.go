package console

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strings"
)

const (
	maxLoginBytes = 4 << 10
	cookieSeconds = 12 * 60 * 60
)

// door tells who may come in: whoever shows the token in a header, or the cookie that a login with it gives. The cookie is made of the token and a
// key of this process, so that it opens nothing else, and nothing once the process has ended.
type door struct {
	token  [sha256.Size]byte // hashed: comparing takes the same time whatever is shown
	cookie string
}

func newDoor(token string) door {
	key := make([]byte, sha256.Size)
	_, _ = rand.Read(key) // it never fails
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(token))
	return door{token: sha256.Sum256([]byte(token)), cookie: hex.EncodeToString(mac.Sum(nil))}
}

func (d *door) opens(token string) bool {
	shown := sha256.Sum256([]byte(token))
	return subtle.ConstantTimeCompare(shown[:], d.token[:]) == 1
}

// cookieName differs by port, since cookies don't: two consoles of one machine would log each other out.
func cookieName(req *http.Request) string {
	if _, port, err := net.SplitHostPort(req.Host); err == nil {
		return "dubbofn_console_" + port
	}
	return "dubbofn_console"
}

// known lets through who has shown the token. A request that changes something must come from the console's own page, or show the token itself,
// which no other page's script can.
func (x *console) known(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		if token, ok := strings.CutPrefix(req.Header.Get("Authorization"), "Bearer "); ok {
			if !x.door.opens(token) {
				refuse(w, http.StatusUnauthorized, "the token is another")
				return
			}
			h(w, req)
			return
		}
		c, err := req.Cookie(cookieName(req))
		if err != nil || subtle.ConstantTimeCompare([]byte(c.Value), []byte(x.door.cookie)) != 1 {
			refuse(w, http.StatusUnauthorized, "log in with the console's token first")
			return
		}
		if req.Method != http.MethodGet && req.Method != http.MethodHead {
			if err := ownPage(req); err != nil {
				refuse(w, http.StatusForbidden, err.Error())
				return
			}
		}
		h(w, req)
	}
}

// ownPage checks that a request was sent by a page from here. Browsers say so of every POST.
func ownPage(req *http.Request) error {
	if site := req.Header.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" {
		return fmt.Errorf("the request comes from elsewhere (Sec-Fetch-Site: %q)", site)
	}
	origin := req.Header.Get("Origin")
	u, err := url.Parse(origin)
	if origin == "" || err != nil || u.Host == "" || !strings.EqualFold(u.Host, req.Host) {
		return fmt.Errorf("the request comes from elsewhere (Origin: %q, Host: %q)", origin, req.Host)
	}
	return nil
}

// login gives the cookie for the token.
func (x *console) login(w http.ResponseWriter, req *http.Request) {
	if err := ownPage(req); err != nil {
		refuse(w, http.StatusForbidden, err.Error())
		return
	}
	var body struct {
		Token string `json:"token"`
	}
	if status, err := readJSON(w, req, maxLoginBytes, &body); err != nil {
		refuse(w, status, err.Error())
		return
	}
	if !x.door.opens(strings.TrimSpace(body.Token)) {
		x.cfg.Log.Warn("console: a login was refused", "remote", req.RemoteAddr)
		refuse(w, http.StatusUnauthorized, "that is not the token of this console")
		return
	}
	http.SetCookie(w, x.key(req, x.door.cookie, cookieSeconds))
	x.session(w, req)
}

// logout takes the cookie back.
func (x *console) logout(w http.ResponseWriter, req *http.Request) {
	if err := ownPage(req); err != nil {
		refuse(w, http.StatusForbidden, err.Error())
		return
	}
	http.SetCookie(w, x.key(req, "", -1))
	answer(w, http.StatusOK, struct{}{})
}

func (*console) key(req *http.Request, value string, seconds int) *http.Cookie {
	return &http.Cookie{ //nolint:gosec // it is Secure where anything is: dubbofn run serves this machine without TLS
		Name: cookieName(req), Value: value, Path: Path, MaxAge: seconds, HttpOnly: true, SameSite: http.SameSiteStrictMode,
		Secure: req.TLS != nil || req.Header.Get("X-Forwarded-Proto") == "https",
	}
}

// readJSON reads a body of at most so many bytes, numbers as they are written.
func readJSON(w http.ResponseWriter, req *http.Request, most int64, into any) (status int, err error) {
	if kind, _, err := mime.ParseMediaType(req.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return http.StatusUnsupportedMediaType, errors.New("want Content-Type: application/json")
	}
	b, err := io.ReadAll(http.MaxBytesReader(w, req.Body, most))
	if err != nil {
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			return http.StatusRequestEntityTooLarge, fmt.Errorf("the request has more than %d bytes", most)
		}
		return http.StatusBadRequest, err
	}
	d := json.NewDecoder(strings.NewReader(string(b)))
	d.UseNumber()
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return http.StatusBadRequest, fmt.Errorf("read the request: %w", err)
	}
	return http.StatusOK, nil
}
