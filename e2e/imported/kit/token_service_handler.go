package kit

import (
	"context"
)

// TokenServiceHandler implements TokenService. What import made of it said of each method that it was not implemented; this is what was filled in.
type TokenServiceHandler struct{}

// Hello is hello of org.fixture.dubbo.TokenService.
func (h *TokenServiceHandler) Hello(_ context.Context, name *string) (*string, error) {
	return new("hello " + text(name)), nil
}
