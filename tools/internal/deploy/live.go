package deploy

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"gatehouse.example/tools/internal/supervisor"
	"gatehouse.example/tools/sam"
)

// Lambda are the calls that deploy code.
type Lambda interface {
	UpdateFunctionCode(context.Context, *lambda.UpdateFunctionCodeInput, ...func(*lambda.Options)) (*lambda.UpdateFunctionCodeOutput, error)
	UpdateAlias(context.Context, *lambda.UpdateAliasInput, ...func(*lambda.Options)) (*lambda.UpdateAliasOutput, error)
}

// build compiles a function.
func build(ctx context.Context, l supervisor.Layout, t target) (code []byte, err error) {
	out := filepath.Join(l.Dir, "watch", t.function.FullName(l.Environment), "bootstrap")
	var output bytes.Buffer
	if err := sam.Compile(ctx, t.stack, t.function, out, &output); err != nil {
		return nil, errors.New(strings.TrimSpace(output.String()))
	}
	code, err = os.ReadFile(out)
	if err != nil {
		return nil, fmt.Errorf("os.ReadFile: %w", err)
	}
	return code, nil
}

// golive publishes the code and points the alias at the new version.
func golive(ctx context.Context, client Lambda, l supervisor.Layout, t target, code []byte) error {
	archive, err := pack(code)
	if err != nil {
		return err
	}
	name := t.function.FullName(l.Environment)
	// Marked first, so that the next deployment repairs an interrupted change.
	if err := MarkDrifted(l, t.stack.Name); err != nil {
		return fmt.Errorf("MarkDrifted: %w", err)
	}
	published, err := client.UpdateFunctionCode(ctx, &lambda.UpdateFunctionCodeInput{
		FunctionName: &name, ZipFile: archive, Publish: true,
	})
	if err != nil {
		return fmt.Errorf("lambda.UpdateFunctionCode: %w", err)
	}
	if t.function.Alias == "" {
		return nil
	}
	_, err = client.UpdateAlias(ctx, &lambda.UpdateAliasInput{
		FunctionName: &name, Name: &t.function.Alias, FunctionVersion: published.Version,
	})
	if err != nil {
		return fmt.Errorf("lambda.UpdateAlias: %w", err)
	}
	return nil
}

// pack makes the archive for Lambda, with an executable file.
func pack(code []byte) ([]byte, error) {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	header := &zip.FileHeader{Name: "bootstrap", Method: zip.Deflate, Modified: time.Unix(0, 0).UTC()}
	header.SetMode(0o755)
	f, err := w.CreateHeader(header)
	if err != nil {
		return nil, fmt.Errorf("zip.Writer.CreateHeader: %w", err)
	}
	if _, err := f.Write(code); err != nil {
		return nil, fmt.Errorf("write archive: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("zip.Writer.Close: %w", err)
	}
	return b.Bytes(), nil
}
