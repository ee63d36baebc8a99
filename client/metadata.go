package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"

	"github.com/dubbofn/dubbofn/internal/metadatainfo"
	"github.com/dubbofn/dubbofn/invoker"
	"github.com/dubbofn/dubbofn/invoker/cluster"
	"github.com/dubbofn/dubbofn/invoker/dubbo"
	"github.com/dubbofn/dubbofn/registry"
)

// localMetadata asks an instance's MetadataService 1.0.0 for its application's metadata (Java: MetadataUtils, 3.3.6, and
// RemoteMetadataServiceProxy, 2.7.23).
func (c *Client) localMetadata(ctx context.Context, i registry.Instance, revision string) (m registry.Metadata, err error) {
	address, err := c.metadataAddress(i)
	if err != nil {
		return m, fmt.Errorf("metadata of %s at %s: %w", i.App, i.Address(), err)
	}
	address, secret := c.trust.at(address)
	conn, err := dubbo.Dial(ctx, address, c.connConfig(c.trust.config(secret, c.kept.sessions.at(address))))
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	var info *metadatainfo.Info
	inv := &invoker.Invocation{
		Service: invoker.ServiceKey{Interface: "org.apache.dubbo.metadata.MetadataService", Version: "1.0.0", Group: i.App},
		Method:  "getMetadataInfo", Descriptor: "Ljava/lang/String;", Args: []any{revision}, Into: &info,
	}
	if _, err = conn.Invoke(ctx, inv); err != nil {
		return m, err
	}
	return info.Metadata(i.App, revision)
}

// metadataAddress reads where the instance says that MetadataService is: flat parameters as 3.x writes them, or those of 2.7, by
// protocol.
func (c *Client) metadataAddress(i registry.Instance) (string, error) {
	const key = "dubbo.metadata-service.url-params"
	text := i.Metadata[key]
	if text == "" {
		return "", fmt.Errorf("it keeps its metadata itself and doesn't tell where (no %s)", key)
	}
	type params struct {
		Port     string `json:"port"`
		Protocol string `json:"protocol"`
		TLS      string `json:"ssl-enabled"`
	}
	var nested map[string]params
	flat := params{}
	if json.Unmarshal([]byte(text), &nested) == nil && nested["dubbo"].Port != "" {
		flat = nested["dubbo"]
	} else if err := json.Unmarshal([]byte(text), &flat); err != nil {
		return "", fmt.Errorf("%s: %w", key, err)
	}
	switch {
	case flat.Protocol != "" && flat.Protocol != "dubbo":
		return "", fmt.Errorf("its MetadataService speaks %q; this consumer asks over dubbo: let the provider publish its metadata (dubbo.metadata.storage-type=remote)", flat.Protocol)
	case flat.Port == "":
		return "", fmt.Errorf("%s has no port", key)
	}
	return c.trust.connection(&cluster.Provider{Address: net.JoinHostPort(i.Host, flat.Port), Service: map[string]string{"ssl-enabled": flat.TLS}}), nil
}
