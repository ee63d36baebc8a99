package hessian

import "testing"

func TestAKeyThatHoldsItselfIsReadAsItsType(t *testing.T) {
	t.Parallel()
	var d Decoder
	d.Reset(NewTypes(), []byte("H\x79\x51\x91\x90\x91\x92NTZ"), Limits{})
	got := map[string]any{}
	if err := d.Map(func(key string, value any) error {
		got[key] = value
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if len(got) != 3 || got["[]interface {}"] != int32(0) || got["1"] != int32(2) || got["<nil>"] != true {
		t.Errorf("got %v", got)
	}
}
