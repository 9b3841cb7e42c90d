package main

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// newChain makes the certificates of a server on 127.0.0.1, and their root as PEM.
func newChain() (tls.Certificate, []byte, error) {
	var parent *x509.Certificate
	var parentKey *rsa.PrivateKey
	var chain tls.Certificate
	for _, name := range []string{"bench root", "bench authority", "bench server"} {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			return tls.Certificate{}, nil, fmt.Errorf("rsa.GenerateKey: %w", err)
		}
		template := &x509.Certificate{
			SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
			NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
			IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
		}
		if name == "bench server" {
			template.IsCA, template.KeyUsage = false, x509.KeyUsageDigitalSignature
			template.IPAddresses, template.ExtKeyUsage = []net.IP{net.IPv4(127, 0, 0, 1)}, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
		}
		if parent == nil {
			parent, parentKey = template, key
		}
		der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, parentKey)
		if err != nil {
			return tls.Certificate{}, nil, fmt.Errorf("x509.CreateCertificate: %w", err)
		}
		if parent, err = x509.ParseCertificate(der); err != nil {
			return tls.Certificate{}, nil, fmt.Errorf("x509.ParseCertificate: %w", err)
		}
		parentKey = key
		chain.Certificate, chain.PrivateKey = append([][]byte{der}, chain.Certificate...), key
	}
	last := len(chain.Certificate) - 1
	root := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: chain.Certificate[last]})
	chain.Certificate = chain.Certificate[:last]
	return chain, root, nil
}

// withRoot writes a list of roots in which root replaces the first one, so that a trigger
// reads as many roots as on AWS, and an overlay that builds triggers with that list.
func withRoot(repository, dir string, root []byte) (overlay string, err error) {
	path, err := filepath.Abs(filepath.Join(repository, "lambdakit", "publish", "roots.pem"))
	if err != nil {
		return "", fmt.Errorf("filepath.Abs: %w", err)
	}
	list, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("os.ReadFile: %w", err)
	}
	const end = "-----END CERTIFICATE-----\n"
	_, others, found := bytes.Cut(list, []byte(end))
	if !found {
		return "", errors.New(path + " has no certificate")
	}
	mine := filepath.Join(dir, "roots.pem")
	if err := os.WriteFile(mine, append(root, others...), 0o600); err != nil { //nolint:gosec // in a directory that the benchmark made
		return "", fmt.Errorf("os.WriteFile: %w", err)
	}
	raw, err := json.Marshal(map[string]map[string]string{"Replace": {path: mine}})
	if err != nil {
		return "", fmt.Errorf("json.Marshal: %w", err)
	}
	overlay = filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(overlay, raw, 0o600); err != nil {
		return "", fmt.Errorf("os.WriteFile: %w", err)
	}
	return overlay, nil
}

// systemRoots is the machine's bundle, or nothing if it has none.
func systemRoots() []byte {
	for _, path := range []string{"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"} {
		if raw, err := os.ReadFile(path); err == nil {
			return raw
		}
	}
	return nil
}

// amazonLinux makes a root folder whose certificates lie as in Amazon Linux 2023: one
// bundle, to which both folders lead that Go reads besides it (crypto/x509/root_linux.go).
// The layout is that of its package ca-certificates; it was not read from an image.
func amazonLinux(dir string, bundle []byte) error {
	const file = "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem"
	for _, folder := range []string{filepath.Dir(file), "/etc/pki/tls/certs", "/etc/ssl"} {
		if err := os.MkdirAll(filepath.Join(dir, folder), 0o750); err != nil {
			return fmt.Errorf("os.MkdirAll: %w", err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, file), bundle, 0o600); err != nil {
		return fmt.Errorf("os.WriteFile: %w", err)
	}
	for link, target := range map[string]string{"/etc/pki/tls/certs/ca-bundle.crt": file, "/etc/ssl/certs": "../pki/tls/certs"} {
		if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
			return fmt.Errorf("os.Symlink: %w", err)
		}
	}
	return nil
}
