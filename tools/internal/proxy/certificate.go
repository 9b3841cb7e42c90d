package proxy

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"gatehouse.example/tools/internal/files"
)

// Names of the files in the folder of the certificate.
const (
	caFile   = "ca.pem"
	leafFile = "certificate.pem"
	keyFile  = "key.pem"
)

const (
	certificateLife = 397 * 24 * time.Hour
	// renewBefore is how long before its end a certificate is replaced, at a start.
	renewBefore = 7 * 24 * time.Hour
)

// Certificate reads the certificate of the folder, or makes one with a CA of its own.
//
// Whoever trusts the CA trusts one certificate: the CA's key signs it and is then
// forgotten, no file has it. Nothing is added to the trust store of the machine.
func Certificate(dir string, now time.Time) (tls.Certificate, error) {
	path := func(name string) string { return filepath.Join(dir, name) }
	known, err := tls.LoadX509KeyPair(path(leafFile), path(keyFile))
	if err == nil && now.Before(known.Leaf.NotAfter.Add(-renewBefore)) && signs(path(caFile), known.Leaf) {
		return known, nil
	}
	texts, err := newCertificate(now)
	if err != nil {
		return tls.Certificate{}, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return tls.Certificate{}, fmt.Errorf("os.MkdirAll: %w", err)
	}
	for name, text := range texts { // each for its owner only
		if err := files.Replace(path(name), text); err != nil {
			return tls.Certificate{}, fmt.Errorf("files.Replace: %w", err)
		}
	}
	made, err := tls.X509KeyPair(texts[leafFile], texts[keyFile])
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("tls.X509KeyPair: %w", err)
	}
	return made, nil
}

// signs reports whether the CA in the file has signed the certificate: the files are not
// written at once.
func signs(file string, leaf *x509.Certificate) bool {
	text, err := os.ReadFile(file)
	if err != nil {
		return false
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return false
	}
	ca, err := x509.ParseCertificate(block.Bytes)
	return err == nil && leaf.CheckSignatureFrom(ca) == nil
}

// newCertificate makes a CA, and a certificate for this machine's own names.
func newCertificate(now time.Time) (map[string][]byte, error) {
	caKey, err1 := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	key, err2 := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err := errors.Join(err1, err2); err != nil {
		return nil, fmt.Errorf("ecdsa.GenerateKey: %w", err)
	}
	loopback := net.IPv4(127, 0, 0, 1)
	ca := template("Gatehouse local CA", now)
	ca.IsCA, ca.MaxPathLenZero, ca.KeyUsage = true, true, x509.KeyUsageCertSign
	ca.PermittedDNSDomainsCritical = true
	ca.PermittedDNSDomains = []string{"localhost"}
	ca.PermittedIPRanges = []*net.IPNet{{IP: loopback.To4(), Mask: net.CIDRMask(32, 32)}}
	leaf := template("Gatehouse local system", now)
	leaf.KeyUsage, leaf.ExtKeyUsage = x509.KeyUsageDigitalSignature, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	leaf.DNSNames, leaf.IPAddresses = []string{"localhost"}, []net.IP{loopback}

	caBytes, err := x509.CreateCertificate(rand.Reader, ca, ca, &caKey.PublicKey, caKey)
	if err != nil {
		return nil, fmt.Errorf("x509.CreateCertificate: %w", err)
	}
	leafBytes, err := x509.CreateCertificate(rand.Reader, leaf, ca, &key.PublicKey, caKey)
	if err != nil {
		return nil, fmt.Errorf("x509.CreateCertificate: %w", err)
	}
	keyBytes, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("x509.MarshalPKCS8PrivateKey: %w", err)
	}
	return map[string][]byte{
		caFile:   pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: caBytes}),
		leafFile: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: leafBytes}),
		keyFile:  pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyBytes}),
	}, nil
}

// template has what both certificates have in common; x509 draws the serial number.
func template(name string, now time.Time) *x509.Certificate {
	return &x509.Certificate{
		Subject:   pkix.Name{CommonName: name},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(certificateLife),
		BasicConstraintsValid: true,
	}
}
