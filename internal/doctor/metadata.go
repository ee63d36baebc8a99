package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/dubbofn/dubbofn/internal/metadatainfo"
	"github.com/dubbofn/dubbofn/internal/metadataservice"
	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/invoker/dubbo"
	"github.com/dubbofn/dubbofn/registry"
)

// revisionID names a revision of an application.
type revisionID struct{ app, revision string }

// revision is what is known of one.
type revision struct {
	metadata  registry.Metadata
	err       error
	instances []registry.Instance // that show it
	asked     bool                // it came from a provider, not from the metadata centre
}

// metadata reads each revision that instances show, as a consumer does.
func (x *examination) metadata(ctx context.Context, p *patient) bool {
	if p.byInterface {
		x.skip(p.name, "providers under the interface itself have none", "metadata")
		return true
	}
	for _, a := range p.apps {
		for _, i := range a.instances {
			id := revisionID{a.name, i.Revision()}
			r := p.revisions[id]
			if r == nil {
				r = x.read(ctx, i)
				p.revisions[id] = r
			}
			r.instances = append(r.instances, i)
		}
	}
	readable := 0
	for _, id := range p.sorted() {
		if x.oneRevision(p, id, p.revisions[id]) {
			readable++
		}
	}
	return readable > 0
}

// sorted gives the revisions in an order that stays.
func (p *patient) sorted() []revisionID {
	all := make([]revisionID, 0, len(p.revisions))
	for id := range p.revisions {
		all = append(all, id)
	}
	slices.SortFunc(all, func(a, b revisionID) int { return strings.Compare(a.app+"\x00"+a.revision, b.app+"\x00"+b.revision) })
	return all
}

// oneRevision says whether consumers can read a revision's metadata, and take it for what it is.
func (x *examination) oneRevision(p *patient, id revisionID, r *revision) bool {
	from := "in the metadata centre"
	if r.asked {
		from = "from the provider"
	}
	mend := x.doctorCommand("--fix", "metadata", "--app", id.app, p.name)
	f := Finding{Check: "metadata", Service: p.name}
	switch {
	case id.revision == "":
		f.State, f.Title = Bad, fmt.Sprintf("%s shows no revision: no consumer at application level can tell what it offers", r.instances[0].Address())
		f.Why, f.Mend = "a Dubbo 2.7 provider does so whose RegistryConfig has no id", x.offline(r.instances[0].Host, strconv.Itoa(r.instances[0].Port), id.app)
	case errors.Is(r.err, errTriple):
		f.State, f.Title, f.Why = Skipped, "not looked at", r.err.Error()
	case errors.Is(r.err, registry.ErrNotFound):
		f.State, f.Title, f.Mend = Bad, fmt.Sprintf("the metadata of %s, revision %s, is missing %s", id.app, short(id.revision), from), mend
		f.Why = "consumers know the address and not what it offers: they drop it, and ask again every 10 s"
	case r.err != nil:
		f.State, f.Title, f.Why, f.Mend = Bad, fmt.Sprintf("the metadata of %s, revision %s, can't be read %s", id.app, short(id.revision), from), r.err.Error(), mend
	default:
		hash := r.metadata.Revision()
		f.State, f.Title = OK, fmt.Sprintf("the metadata of %s, revision %s, is there", id.app, short(id.revision))
		if r.asked {
			f.Title += ", as its provider tells it"
		}
		if hash == id.revision {
			break
		}
		if r.metadata.Digest == "" {
			f.Why = "its revision is not its hash, as Dubbo 2.7's providers write it: a Dubbo 3.3 consumer reads it again at every change of instances"
			break
		}
		f.State, f.Mend = Bad, mend
		f.Title = fmt.Sprintf("the metadata of %s hashes to %s, not to the revision %s", id.app, short(hash), short(id.revision))
		f.Why = "the document was changed after it was written: consumers see something else than what is offered, and Dubbo 3.3 keeps none whose hash is not its revision"
	}
	x.add(f)
	return r.err == nil
}

const shortLength = 12

func short(revision string) string {
	if len(revision) > shortLength {
		return revision[:shortLength] + "…"
	}
	return revision
}

// read gives an instance's metadata as consumers get it: from the metadata centre, or from the instance itself where it says so.
func (x *examination) read(ctx context.Context, i registry.Instance) *revision {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	r := &revision{}
	if i.Local() {
		r.asked = true
		r.metadata, r.err = x.askProvider(ctx, i, i.Revision())
		return r
	}
	r.metadata, r.err = x.center.Metadata(ctx, i.App, i.Revision())
	return r
}

// askProvider asks an instance's MetadataService 1.0.0 (Java: MetadataUtils, 3.3.6). Providers of dubbofn answer it whatever their storage is.
func (x *examination) askProvider(ctx context.Context, i registry.Instance, revision string) (m registry.Metadata, err error) {
	var info *metadatainfo.Info
	inv := &invoker.Invocation{
		Service: invoker.ServiceKey{Interface: metadataservice.Interface, Version: "1.0.0", Group: i.App},
		Method:  "getMetadataInfo", Descriptor: "Ljava/lang/String;", Args: []any{revision}, Into: &info,
	}
	if err := x.askInstance(ctx, i, inv); err != nil {
		return m, err
	}
	if info == nil {
		return m, fmt.Errorf("metadata of %s at %s: %w", i.App, i.Address(), registry.ErrNotFound)
	}
	return info.Metadata(i.App, revision)
}

// methodsOf asks an instance for the methods of a service, as "name(types)"; nil where it does not tell.
func (x *examination) methodsOf(ctx context.Context, i registry.Instance, s registry.Service) []string {
	var text *string
	inv := &invoker.Invocation{
		Service: invoker.ServiceKey{Interface: metadataservice.Interface, Version: "1.0.0", Group: i.App},
		Method:  "getServiceDefinition", Descriptor: strings.Repeat("Ljava/lang/String;", 3),
		Args: []any{s.Name, s.Version, s.Group}, Into: &text,
	}
	if x.askInstance(ctx, i, inv) != nil || text == nil || len(*text) > registry.MaxMetadataBytes {
		return nil
	}
	var d struct {
		Methods []struct {
			Name  string   `json:"name"`
			Types []string `json:"parameterTypes"`
		} `json:"methods"`
	}
	if json.Unmarshal([]byte(*text), &d) != nil {
		return nil
	}
	var all []string
	for _, m := range d.Methods {
		all = append(all, m.Name+"("+strings.Join(m.Types, ", ")+")")
	}
	slices.Sort(all)
	return all
}

// askInstance makes one call to where an instance keeps its MetadataService: its own port, or the one that it tells of.
func (x *examination) askInstance(ctx context.Context, i registry.Instance, inv *invoker.Invocation) error {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	at := metadataPort(i)
	if at.Protocol == "tri" {
		return fmt.Errorf("%s at %s: %w", i.App, i.Address(), errTriple)
	}
	address := net.JoinHostPort(i.Host, at.Port)
	if at.TLS != "true" && !x.cfg.Secret {
		err := call(ctx, address, dubbo.ConnConfig{Log: x.cfg.Log}, inv)
		if _, said := invoker.CodeOf(err); err == nil || !said || !x.speaksTLS(ctx, address) {
			return err
		}
	}
	return call(ctx, address, dubbo.ConnConfig{Log: x.cfg.Log, TLS: x.tls.Client()}, inv)
}

// errTriple says that a provider keeps its metadata where only Triple is spoken.
var errTriple = errors.New("its metadata is told over Triple alone, which this command does not speak")

func call(ctx context.Context, address string, cfg dubbo.ConnConfig, inv *invoker.Invocation) error {
	conn, err := dubbo.Dial(ctx, address, cfg)
	if err != nil {
		return err
	}
	_, err = conn.Invoke(ctx, inv)
	return errors.Join(err, conn.Close())
}

// metadataAt is where a MetadataService is.
type metadataAt struct {
	Port     string `json:"port"`
	Protocol string `json:"protocol"`
	TLS      string `json:"ssl-enabled"`
}

// metadataPort reads the two lines' forms of where MetadataService is (Java: dubbo.metadata-service.url-params, 2.7.23 and 3.3.6); it is on the
// instance's own port where nothing is said.
func metadataPort(i registry.Instance) metadataAt {
	text := []byte(i.Metadata["dubbo.metadata-service.url-params"])
	var nested map[string]metadataAt
	var flat metadataAt
	if json.Unmarshal(text, &nested) == nil && nested["dubbo"].Port != "" {
		return nested["dubbo"]
	}
	if json.Unmarshal(text, &flat) != nil || flat.Port == "" {
		return metadataAt{Port: strconv.Itoa(i.Port)}
	}
	return flat
}
