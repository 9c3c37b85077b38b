package connectortest

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/fault"
)

func receiving(t *testing.T, b *bundle) {
	all(t, b, []statement{
		{"a delivery names what to read", receives},
		{"a delivery without the secret is refused", refusesDelivery},
		{"a repeated delivery has the same key", sameKey},
		{"garbage is refused", refusesGarbage},
	})
}

func (b *bundle) receiver(t *testing.T) connectors.Receiver {
	w := b.open(t)
	r := ability[connectors.Receiver](t, w)
	t.Cleanup(func() {
		if n := w.requests(); n > 0 {
			t.Errorf("receiving made %d requests", n)
		}
	})
	if len(b.Samples) == 0 {
		t.Fatal("the harness has no deliveries")
	}
	return r
}

func receives(t *testing.T, b *bundle) {
	r := b.receiver(t)
	for _, s := range b.Samples {
		receipt, err := r.Receive(s.Delivery)
		if err != nil {
			t.Errorf("%s: %v", s.Name, err)
		}
		if diff := cmp.Diff(s.Reads, receipt.Reads); diff != "" {
			t.Errorf("%s reads (-want +got):\n%s", s.Name, diff)
		}
		if diff := cmp.Diff(s.Merges, receipt.Merges); diff != "" {
			t.Errorf("%s merges (-want +got):\n%s", s.Name, diff)
		}
		for _, ref := range receipt.Reads {
			if _, known := b.Spec.Object(ref.Object); !known || ref.ID == "" {
				t.Errorf("%s: %+v cannot be read", s.Name, ref)
			}
		}
	}
}

// refusesDelivery takes away each thing that a delivery may present.
func refusesDelivery(t *testing.T, b *bundle) {
	r := b.receiver(t)
	for _, s := range b.Samples {
		bare, other, none := s.Delivery, s.Delivery, s.Delivery
		bare.Header, bare.Query = http.Header{}, nil
		other.Secret.Password += "x"
		none.Secret.User, none.Secret.Password = "", ""
		for name, d := range map[string]connectors.Delivery{"nothing presented": bare, "another secret": other, "no secret agreed": none} {
			if receipt, err := r.Receive(d); fault.KindOf(err) != fault.Auth || receipt.Reads != nil {
				t.Errorf("%s, %s: %+v, error %v (%v), want %v", s.Name, name, receipt, err, fault.KindOf(err), fault.Auth)
			}
		}
	}
}

func sameKey(t *testing.T, b *bundle) {
	r := b.receiver(t)
	events := map[string]string{}
	for _, s := range b.Samples {
		first, err := r.Receive(s.Delivery)
		if err != nil {
			t.Fatal(err)
		}
		if other, taken := events[first.Key]; taken && first.Key != "" {
			t.Errorf("%s and %s are two events with the key %q", s.Name, other, first.Key)
		}
		events[first.Key] = s.Name
		if s.Retry == nil {
			continue
		}
		second, err := r.Receive(*s.Retry)
		if err != nil || second.Key == "" || second.Key != first.Key {
			t.Errorf("%s has the key %q, delivered again %q (error %v)", s.Name, first.Key, second.Key, err)
		}
	}
}

func refusesGarbage(t *testing.T, b *bundle) {
	r := b.receiver(t)
	for _, body := range []string{"", "x", "null", "[]", "{", "{}", `{"meta":null}`, `{"meta":{}}`, `"meta"`, "<html></html>", "\xff\x00"} {
		d := b.Samples[0].Delivery
		d.Body = []byte(body)
		if receipt, err := r.Receive(d); fault.KindOf(err) != fault.Invalid || receipt.Reads != nil {
			t.Errorf("%q: %+v, error %v (%v), want %v", body, receipt, err, fault.KindOf(err), fault.Invalid)
		}
	}
}
